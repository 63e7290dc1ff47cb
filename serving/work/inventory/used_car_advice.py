"""What to do with a used car, in words and with the figures that it follows from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ml.bilingual import Text
from serving.work.inventory.days_on_lot import MIN_SOLD
from serving.work.inventory.used_car_models import Action, StorePace

AGEING_DAYS = 60  # from which a car on the lot is ageing
WHOLESALE_DAYS = 180  # from which a sale to the trade is considered
TOLERANCE = 0.02  # a price this far above the model's is not lowered: haggling takes more
FASTER_DAYS = 7  # median days by which another store must sell faster
HORIZON = 3  # months of waiting that a trade offer is compared with
STEP = 100  # yuan to which a new price is rounded
MONTH_DAYS = 365 / 12


class CarFigures(NamedTuple):
    """Figures of a car, yuan and days.

    Attributes
    ----------
    days : int
        On the lot.
    price : float or None
        Asked.
    value, high : float
        Price of the model today, and the upper bound of its interval.
    value_next, value_later : float or None
        After one month, and after three.
    holding : float
        Interest and space a month.
    remaining_days : float or None
        Median days until the sale.
    """

    days: int
    price: float | None
    value: float
    high: float
    value_next: float | None
    value_later: float | None
    holding: float
    remaining_days: float | None

    @property
    def waiting(self) -> float:
        """Return what a month of waiting costs, yuan."""
        loss = 0.0 if self.value_next is None else max(self.value - self.value_next, 0.0)
        return loss + self.holding


class Advice(NamedTuple):
    """A recommendation.

    Attributes
    ----------
    action : str
        keep, reprice, transfer, wholesale or check.
    new_price : float or None
        Price to ask, or the lowest offer to accept.
    to_store : str or None
        Store to move the car to.
    text, arithmetic : Text
        In words, and its figures.
    """

    action: Action
    new_price: float | None
    to_store: str | None
    text: Text
    arithmetic: Text


def advice(car: CarFigures, *, faster: StorePace | None, own: StorePace | None, transfer_cost: float | None) -> Advice:
    """Return what to do with a car.

    Parameters
    ----------
    car : CarFigures
        Its figures.
    faster, own : StorePace or None
        The store of the region that sells used cars fastest, and the car's own store.
    transfer_cost : float or None
        Of moving the car, yuan; None: cars are not moved.

    Examples
    --------
    >>> car = CarFigures(90, 98_000.0, 88_000.0, 95_000.0, 87_200.0, 85_800.0, 700.0, 40.0)
    >>> lowered = advice(car, faster=None, own=None, transfer_cost=None)
    >>> lowered.action, lowered.new_price
    ('reprice', 88000.0)
    >>> for part in lowered.arithmetic.en.split("; "):
    ...     print(part)
    98,000 asked − 88,000 = 10,000 yuan less
    waiting costs 1,500 yuan a month (800 loss of value + 700 interest and space)
    """
    price = round(car.value / STEP) * STEP
    # No car of this age on the lot has been sold so far, or it is beyond the limit: the retail market has answered.
    if car.days >= WHOLESALE_DAYS and (car.remaining_days is None or car.remaining_days > HORIZON * MONTH_DAYS):
        return _wholesale(car)
    if car.price is not None and car.price > car.high:
        return _reprice(car, price, Text(zh="标价高于估值区间", en="the asking price is above the interval"))
    if car.price is not None and car.days >= AGEING_DAYS and car.price > car.value * (1 + TOLERANCE):
        return _reprice(
            car,
            price,
            Text(zh=f"已在库 {car.days} 天，标价高于估值", en=f"{car.days} days on the lot, above value"),
        )
    if faster is not None and own is not None and transfer_cost is not None and car.days >= AGEING_DAYS / 2:
        saved = own.median_days - faster.median_days
        gain = saved / MONTH_DAYS * car.waiting - transfer_cost
        if saved >= FASTER_DAYS and gain > 0:
            return _transfer(car, faster, own, transfer_cost)
    return _keep(car)


def fastest_store(
    paces: Sequence[StorePace], regions: Mapping[str, str], store_id: str
) -> tuple[StorePace | None, StorePace | None]:
    """Return the store of the same region that sells used cars fastest, and the pace of the store itself.

    Stores with fewer than ten sales within a year are not compared.

    Parameters
    ----------
    paces : sequence of StorePace
        Of all stores.
    regions : mapping of str to str
        Region by store.
    store_id : str
        Of the car.

    Examples
    --------
    >>> paces = [StorePace(store_id=s, sold=20, median_days=d) for s, d in (("a", 20.0), ("b", 40.0))]
    >>> [p.store_id for p in fastest_store(paces, {"a": "north", "b": "north"}, "b")]
    ['a', 'b']
    """
    counted = [p for p in paces if p.sold >= MIN_SOLD]
    own = next((p for p in counted if p.store_id == store_id), None)
    region = regions.get(store_id)
    others = [p for p in counted if p.store_id != store_id and region is not None and regions.get(p.store_id) == region]
    return min(others, key=lambda p: p.median_days, default=None), own


def _month(car: CarFigures) -> Text:
    loss = 0.0 if car.value_next is None else max(car.value - car.value_next, 0.0)
    total = round(loss) + round(car.holding)
    return Text(
        zh=f"多等一个月花费 {total:,} 元（贬值 {loss:,.0f}＋利息与场地 {car.holding:,.0f}）",
        en=f"waiting costs {total:,} yuan a month ({loss:,.0f} loss of value + {car.holding:,.0f} interest and space)",
    )


def _reprice(car: CarFigures, price: float, why: Text) -> Advice:
    month, present = _month(car), car.price or 0.0
    return Advice(
        "reprice",
        float(price),
        None,
        Text(zh=f"调价至 {price:,.0f} 元：{why.zh}", en=f"Reprice to {price:,.0f} yuan: {why.en}"),
        Text(
            zh=f"标价 {present:,.0f} − {price:,.0f}＝少收 {present - price:,.0f} 元；{month.zh}",
            en=f"{present:,.0f} asked − {price:,.0f} = {present - price:,.0f} yuan less; {month.en}",
        ),
    )


def _wholesale(car: CarFigures) -> Advice:
    later = car.value if car.value_later is None else car.value_later
    floor = max(round((later - HORIZON * car.holding) / STEP) * STEP, 0)
    return Advice(
        "wholesale",
        float(floor),
        None,
        Text(
            zh=f"批售：报价不低于 {floor:,.0f} 元即可出手，已在库 {car.days} 天",
            en=f"Wholesale: accept offers from {floor:,.0f} yuan on, {car.days} days on the lot",
        ),
        Text(
            zh=f"{HORIZON} 个月后估值 {later:,.0f} − {HORIZON} × 利息与场地 {car.holding:,.0f}＝{floor:,.0f} 元"
            "（取整至百元）；同样久的车在库后半数未能在三个月内售出",
            en=f"value in {HORIZON} months {later:,.0f} − {HORIZON} × {car.holding:,.0f} interest and space = "
            f"{floor:,.0f} yuan (to the hundred); fewer than half of such cars were sold within three months",
        ),
    )


def _transfer(car: CarFigures, faster: StorePace, own: StorePace, cost: float) -> Advice:
    saved = own.median_days - faster.median_days
    gain = saved / MONTH_DAYS * car.waiting - cost
    return Advice(
        "transfer",
        None,
        faster.store_id,
        Text(
            zh=f"调拨至 {faster.store_id}：二手车中位在库 {faster.median_days:.0f} 天，本店 {own.median_days:.0f} 天",
            en=f"Transfer to {faster.store_id}: used cars stand {faster.median_days:.0f} days there (median), "
            f"{own.median_days:.0f} here",
        ),
        Text(
            zh=f"少等 {saved:.0f} 天 × 每月 {car.waiting:,.0f} 元 ÷ {MONTH_DAYS:.1f} 天 − 调拨费 {cost:,.0f}"
            f"＝{gain:,.0f} 元",
            en=f"{saved:.0f} days × {car.waiting:,.0f} yuan a month ÷ {MONTH_DAYS:.1f} days − {cost:,.0f} for "
            f"the move = {gain:,.0f} yuan",
        ),
    )


def _keep(car: CarFigures) -> Advice:
    month = _month(car)
    if car.price is None:
        text = Text(
            zh=f"没有标价：按估值标 {car.value:,.0f} 元", en=f"No asking price: ask {car.value:,.0f} yuan, its value"
        )
        return Advice("reprice", float(round(car.value / STEP) * STEP), None, text, month)
    rest = "" if car.remaining_days is None else f"；同样久的车一般再过 {car.remaining_days:.0f} 天售出"
    days = f"{car.remaining_days or 0.0:.0f}"
    rest_en = "" if car.remaining_days is None else f"; cars that stood as long sell after {days} more days"
    return Advice(
        "keep",
        None,
        None,
        Text(zh="维持标价", en="Keep the price"),
        Text(
            zh=f"标价 {car.price:,.0f} 元，估值 {car.value:,.0f} 元；{month.zh}{rest}",
            en=f"{car.price:,.0f} yuan asked, value {car.value:,.0f}; {month.en}{rest_en}",
        ),
    )
