"""What several scorers of outbursts share: features, scope, trees, the files of known objects.

No scorer itself.
"""
