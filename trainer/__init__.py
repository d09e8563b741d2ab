"""Teaches the summarizer from an app's own signals. This version prepares the data; training follows."""
