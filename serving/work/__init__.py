"""JSON endpoints for the daily work: leads, applications, inventory, alarms, models, and the figures of the day.

`registry` lists them. Each one is a `serving.work.routing.WorkRoute`; the pages of `serving.desk` show their answers.
"""
