"""Types and invariants that every step shares. No input or output here."""
