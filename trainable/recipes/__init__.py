"""What five teams did, each in one declaration with the team's own words beside it."""
