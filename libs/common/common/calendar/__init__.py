"""Time as the business counts it: a clock that can be moved, business dates, holidays."""
