"""What a build is asked to do: its options, the configuration file and the presets."""
