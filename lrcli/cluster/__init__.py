"""Sweeps whose parts are trained by the workers of a Dask cluster; Dask is imported when one is opened."""
