"""A sample dealership group: eleven coherent raw tables, and apart from them the truth they were drawn from.

`generate` writes `tables/` (the raw tables of `features.tables`, instants as date-times in UTC), `truth/` (for tests
and benchmarks alone) and `manifest.json`. How the data comes about, and where each equation stands in full:

1. `people`, `tastes`: a person has an income, a budget that follows from it, and tastes for body, energy and brand.
   utility(i, v) = body_i + energy_i + brand_i + appeal[model, month] + 14 * promotion + fit(price / budget_i)
   - used_aversion_i * used.
2. `journeys`, `seasons`: decision days follow month, weekend, moving Spring Festival and growth; a journey begins some
   weeks earlier. On its last day the shopper prefers the model with the greatest utility + Gumbel noise among those
   the store sells: a multinomial logit. Shoppers after a used car choose among earlier generations in the same way.
3. `leads`: base = sigmoid(keenness, offer, channel, store, distance); P(purchase) =
   base * (0.35 + 0.65 * exp(-decay[channel] * hours until the first call)).
4. `stock_and_sales`, `units`, `sales`: purchases meet the stock of the day; first choices are the demand, sales are
   what stock allowed. Every sold car has a sale, an order event, a place in the fleet and, if there was a lead, that
   lead is converted.
5. `storefront`, `browsing`, `sessions`: pages are drawn with exactly known propensities; P(view) =
   sigmoid(1.5 * utility - 4) / (1 + 0.18 * (position - 1)).
6. `applicants`, `applications`, `lending`: log-odds of default within 12 months = known non-linear function of the
   application + drift + 0.5 * hidden; a past policy approved selectively; labels need 12 complete months.
7. `fleet`, `faults`, `workshop`: faults are Poisson processes in age, distance and season; the brakes of one model and
   build range fail RATE_RATIO times as often; records arrive with a delay and cars leave.

Truth, by file: `applications` (probability_of_default; observable_probability, its mean over the hidden part; what
would have happened to those declined), `demand` (by store, model, month), `leads` (terms of the equation, decision),
`tastes`, `appeal`, `stores` (coefficients of the utility and of the desks), `exposures` (utility and view probability
of each impression), `fault_injection`, `fault_exposure` (expected faults without the injection), `faults` (all that
happened, reported or not).
"""

from training.simulator.dealership import generate
from training.simulator.size import Size

__all__ = ["Size", "generate"]
