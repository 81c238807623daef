"""All metrics of restored images by name: formula, range, direction, empty cases, and when to use them."""

from __future__ import annotations

from math import inf

from veriscope.validate.metrics.description import Description

__all__ = ["DESCRIPTIONS"]


def _metric(
    key: str,
    name: str,
    formula: str,
    limits: tuple[float, float, float],
    module: str,
    *,
    empty: str,
    use: str,
    avoid: str,
    source: str,
) -> Description:
    low, high, best = limits
    return Description(
        key=key,
        name=name,
        tasks=("restoration",),
        formula=formula,
        low=low,
        high=high,
        best=best,
        empty=empty,
        use=use,
        avoid=avoid,
        source=source,
        function=f"metrics.restoration.{module}",
    )


_HIGHER = (-inf, inf, inf)
_SIMILARITY = (-1.0, 1.0, 1.0)
_LOWER = (0.0, inf, 0.0)
_EITHER_CONSTANT = "either image constant: undefined"

DESCRIPTIONS: tuple[Description, ...] = (
    _metric(
        "psnr",
        "Peak signal-to-noise ratio (PSNR), dB",
        "10 log10(R² / MSE), R the data range",
        _HIGHER,
        "psnr.psnr",
        empty="no difference: infinite",
        use="Both images are on the same scale of intensities, and intensities will be measured.",
        avoid="The scales differ (exposure, separate scaling to 8 bit): gain and offset then decide.",
        source="signal processing; R must be stated",
    ),
    _metric(
        "scale_invariant_psnr",
        "Scale-invariant PSNR, dB",
        "10 log10(R² / MSE) after the best gain ≥ 0 and offset, R = max - min of the reference",
        _HIGHER,
        "psnr.scale_invariant_psnr",
        empty="reference constant: undefined; no difference: infinite",
        use="The default: exposures of reference and prediction differ by gain and offset.",
        avoid="Absolute intensities will be measured, or values of different images are compared.",
        source="Weigert et al., Nature Methods (2018); Krull et al., CVPR (2019)",
    ),
    _metric(
        "ssim",
        "Structural similarity (SSIM)",
        "mean of (2 μr μp + C1)(2 σrp + C2) / ((μr² + μp² + C1)(σr² + σp² + C2)), Gaussian σ = 1.5",
        _SIMILARITY,
        "ssim.ssim",
        empty="always defined; the data range is stated",
        use="Local structure matters besides the mean squared error, and the scales agree.",
        avoid="Much dark background (it saturates), scales that differ, a data range larger than the data.",
        source="Wang et al., IEEE Transactions on Image Processing (2004)",
    ),
    _metric(
        "micro_ssim",
        "MicroSSIM",
        "SSIM after both backgrounds are subtracted, with the α > 0 for the prediction that makes it largest",
        _SIMILARITY,
        "micro_ssim.micro_ssim",
        empty="reference constant: undefined",
        use="Structure matters, and reference and prediction differ by offset and scale.",
        avoid="The image has no background: its 3rd percentile is then signal.",
        source="Ashesh, Deschamps, Jug, arXiv:2408.08747 (2024)",
    ),
    _metric(
        "frc_resolution",
        "Fourier ring (shell) correlation, resolution at 1/7, µm",
        "1 / frequency where Re Σ Fr Fp* / √(Σ|Fr|² Σ|Fp|²) of a ring falls below 1/7",
        _LOWER,
        "frc.frc_resolution",
        empty=f"{_EITHER_CONSTANT}; nothing agrees: infinite",
        use="The size of the smallest detail that can be believed.",
        avoid="Judging sharpness (a blur changes nothing), or noise shared by both images.",
        source="Saxton, Baumeister, J Microscopy (1982); Nieuwenhuizen et al., Nature Methods (2013)",
    ),
    _metric(
        "frc_resolution_half_bit",
        "Fourier ring (shell) correlation, resolution at half a bit, µm",
        "the same, threshold (0.2071 + 1.9102/√n) / (1.2071 + 0.9102/√n), n samples in the ring",
        _LOWER,
        "frc.frc_resolution",
        empty=f"{_EITHER_CONSTANT}; nothing agrees: infinite",
        use="As frc_resolution, stricter where a ring has few samples (small images).",
        avoid="As frc_resolution.",
        source="van Heel, Schatz, Journal of Structural Biology (2005)",
    ),
    _metric(
        "rse",
        "Resolution-scaled error (RSE)",
        "√ mean (r - (a · p ⊗ Gaussian + b))² at the best blur, gain ≥ 0 and offset",
        _LOWER,
        "squirrel.rse",
        empty="prediction constant: standard deviation of the reference",
        use="There is only the raw image to compare with: a sharper image must blur into it.",
        avoid="Judging noise: the blur removes it. Units are those of the reference.",
        source="Culley et al., Nature Methods (2018)",
    ),
    _metric(
        "rsp",
        "Resolution-scaled Pearson correlation (RSP)",
        "Pearson correlation of r and p ⊗ Gaussian at the best blur",
        _SIMILARITY,
        "squirrel.rsp",
        empty=_EITHER_CONSTANT,
        use="As rse, and values shall be compared between images.",
        avoid="Judging noise; bright structures decide it.",
        source="Culley et al., Nature Methods (2018)",
    ),
    _metric(
        "spectral_error",
        "Spectral error, dB",
        "√ mean over rings of (10 log10(Pp / Pr))², P the mean power in a ring over the total power",
        _LOWER,
        "spectrum.spectral_error",
        empty=_EITHER_CONSTANT,
        use="Whether a restoration is too smooth or too noisy, and at any size of detail.",
        avoid="Alone: it looks at the amount of detail and not at its place.",
        source="ours, after the log-spectral distance of Gray, Markel, IEEE Trans ASSP (1976)",
    ),
    _metric(
        "high_frequency_ratio",
        "High-frequency ratio",
        "share of power above half the highest frequency, prediction over reference",
        (0.0, inf, 1.0),
        "spectrum.high_frequency_ratio",
        empty=f"{_EITHER_CONSTANT}; reference without such power: undefined",
        use="One number for too smooth (below 1) or too noisy (above 1).",
        avoid="A noisy reference: its noise is fine detail too.",
        source="ours",
    ),
)
