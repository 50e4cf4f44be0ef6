"""How soon do schedulers and samplers find a good configuration? Races on a simulated cluster."""
