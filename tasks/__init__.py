"""Tasks: what one step does, from the request key to the settled attempt. Runs without Prefect."""
