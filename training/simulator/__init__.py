"""Simulator of a dealership group: eleven consistent raw tables and, separately, their data-generating process.

`generate` writes `tables/` (the raw tables of `features.tables`, timestamps in UTC), `truth/` (the ground truth, only
for tests and benchmarks) and `manifest.json`. The model, with the modules that contain the full equations:

1. `people`, `tastes`: a person has an income, a budget that depends on it, and tastes for body, energy type and brand.
   utility(i, v) = body_i + energy_i + brand_i + appeal[model, month] + 14 * promotion + fit(price / budget_i)
   - used_aversion_i * used.
2. `journeys`, `seasons`: the number of decisions per day depends on month, weekend, Spring Festival and growth; a
   journey begins some weeks before its decision. The shopper chooses the model with the highest utility + Gumbel noise
   among those the store sells (multinomial logit); shoppers for a used car choose among earlier generations.
3. `leads`: base = sigmoid(keenness, offer, channel, store, distance); P(purchase) =
   base * (0.35 + 0.65 * exp(-decay[channel] * hours until the first call)).
4. `stock_and_sales`, `units`, `sales`: demand counts first choices, sales are limited by the stock of the day. Every
   sold car has a row in `sales`, an order event, a row in `fleet`, and a converted lead if there was a lead.
5. `storefront`, `browsing`, `sessions`: pages are drawn with logged propensities; P(view) =
   sigmoid(1.5 * utility - 4) / (1 + 0.18 * (position - 1)).
6. `applicants`, `applications`, `lending`: log-odds of default within 12 months = non-linear function of the
   application + drift + 0.5 * hidden; a past policy approved selectively; labels need 12 complete months.
   `bureau_repair`, if switched on: from 2026 small repaid overdue debts are no longer shown to the lender.
7. `fleet`, `faults`, `workshop`: faults are Poisson processes whose rates depend on age, distance and season; the
   brakes of one model and build range fail RATE_RATIO times as often; records arrive with a delay, and cars leave.

Files of the truth: `applications` (probability_of_default; observable_probability, its mean over the hidden term; the
outcome of declined applications), `demand` (by store, model and month), `leads` (terms of the equation, decision),
`tastes`, `appeal`, `stores` (coefficients), `exposures` (utility and view probability of each impression),
`fault_injection`, `fault_exposure` (expected faults without the injection), `faults` (all faults, reported or not),
`dangers` (workshop lines whose text tells of a danger, or denies it), `bureau_repair` (true credit files, if switched
on).
"""

from training.simulator.changes import Changes
from training.simulator.dealership import generate
from training.simulator.size import Size

__all__ = ["Changes", "Size", "generate"]
