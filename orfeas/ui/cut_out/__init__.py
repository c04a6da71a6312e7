"""The cut-out before a job: what the page shows of it, and the endpoint ``/cut_out``; both take one code path."""
