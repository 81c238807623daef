"""The study: joins the steps."""
