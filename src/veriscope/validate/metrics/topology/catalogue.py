"""All metrics of connectedness by name: formula, range, direction, empty cases, and when to use them."""

from __future__ import annotations

from math import inf

from veriscope.validate.metrics.description import Description

__all__ = ["DESCRIPTIONS"]


def _errors(
    key: str, name: str, formula: str, function: str, *, use: str, avoid: str, source: str
) -> Description:
    return Description(
        key=key,
        name=name,
        tasks=("semantic", "instance"),
        formula=formula,
        low=0.0,
        high=inf,
        best=0.0,
        empty="both masks empty: 0; one empty: all features of the other",
        use=use,
        avoid=avoid,
        source=source,
        function=f"metrics.topology.{function}",
    )


DESCRIPTIONS: tuple[Description, ...] = (
    _errors(
        "betti_error",
        "Betti-number error",
        "Σ |βk - βk'|: pieces, holes (2D) or tunnels and cavities (3D), of the whole masks",
        "betti.betti_error",
        use="The number of pieces or holes of a whole image is the biological measure.",
        avoid="Errors of both signs cancel: one piece lost and one invented give 0.",
        source="Hu et al., NeurIPS (2019)",
    ),
    _errors(
        "patch_betti_error",
        "Betti-number error of patches",
        "mean over patches of Σ |βk - βk'|, patches of 64 pixels side by side by default",
        "betti.patch_betti_error",
        use="Networks and membranes, and comparison with papers, which mostly report this form.",
        avoid="Comparison across patch sizes: the edges of patches make features of their own.",
        source="Hu et al., NeurIPS (2019); Shit et al., CVPR (2021)",
    ),
    _errors(
        "betti_matching_error",
        "Betti matching error",
        "features of either mask without a counterpart at the same place in their union",
        "matching.betti_matching_error",
        use="It matters which pieces and holes are there, and not only how many.",
        avoid="3D tunnels, which are left aside; masks that miss each other by a shift.",
        source="Stucki et al., ICML (2023), for masks, without an order of pixels",
    ),
    _errors(
        "line_gaps",
        "Gaps and false lines",
        "stretches of either centre line that lie farther than a tolerance from the other mask",
        "lines.line_gaps",
        use="Membranes, vessels and neurites, where each break is to be mended or counted.",
        avoid="Structures that are not lines: their centre lines have spurs.",
        source="ours, on the centre lines of Shit et al., CVPR (2021)",
    ),
)
