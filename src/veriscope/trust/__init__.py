"""How far a number can be trusted: audit, estimate, verdict."""
