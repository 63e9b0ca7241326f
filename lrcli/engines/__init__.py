"""What trains a population: two engines behind `lrcli.training.engine.Engine`."""
