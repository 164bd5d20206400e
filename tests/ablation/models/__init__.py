"""Networks that the recipe is compared with, one a file, as `restereo/models` has them."""
