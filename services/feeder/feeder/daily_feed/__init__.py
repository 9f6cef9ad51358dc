"""Daily feed: selects each broker's best leads and gives them slots in campaigns (docs/feeding.md)."""
