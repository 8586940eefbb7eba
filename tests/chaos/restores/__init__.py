"""A bus whose store is put back to an old copy, again and again, while commands run."""
