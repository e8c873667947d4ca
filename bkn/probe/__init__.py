"""The probe: estimates held against the truth."""
