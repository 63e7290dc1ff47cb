"""Pages of each area; `serving.desk.registry` lists them."""
