"""Does the biological measurement survive the errors of the model, check by check.

One file per check; `report.check_application` runs them all.

References
----------
.. [1] Chen J, Viana MP, Rafelski SM. When seeing is not believing: application-appropriate validation matters
   for quantitative bioimage analysis. Nature Methods 20 (2023), 968-970. doi:10.1038/s41592-023-01881-4
"""
