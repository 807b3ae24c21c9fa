"""What several scorers of fast transients share: injected and real samples, shares, figures.

No scorer itself.
"""
