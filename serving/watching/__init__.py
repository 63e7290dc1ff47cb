"""What operators see of the service: counts of requests and answers, log lines, and traces."""
