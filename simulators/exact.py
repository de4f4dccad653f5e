"""Prices a charge exactly, with fractions: the second opinion on every bill.

Written from the rules (billing's bill.h and evidence.h say them in words), not from the engine's
code, and in another way: it walks the session minute by minute. Two functions:

    decide(session, readings) -> [(at_us, import_mwh), ...]
        Which register values count, in order of time; raises Untrusted(reason) when a person has
        to look. `session` and `readings` are the objects of those names in a settlement's input:
        session {started_at, stopped_at, meter_start_mwh, meter_stop_mwh, max_power_w},
        readings [{at, context, import_mwh}, ...]; energies are integers or strings of digits.

    price(points, tariff, zone, exponent=2, states=None, calendar=None) -> dict
        What those points cost. `tariff` is the tariff document, `zone` a name such as
        Asia/Shanghai, `states` [{at, state}, ...], `calendar` [{date, day_type}, ...].
        Returns {"lines": [{charge_code, rate_label, element, mwh, list}, ...],
                 "net_by_code": {charge_code: minor}, "groups": {vat_ppm: (net, vat, gross)},
                 "amounts": {(charge_code, rate_label): minor, with VAT},
                 "net_minor", "vat_minor", "gross_minor", "limit": None|"min_price"|"max_price",
                 "net": Fraction, "gross": Fraction (unrounded, after any limit)}.

Knows ENERGY and FLAT with time, date, weekday and day-type restrictions, charge codes, net and
gross prices, VAT, step_size, quantity_factor, min_price and max_price. Anything else in a tariff
raises Unsupported: a second opinion must not guess. Python's standard library only.
"""
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MINUTE_US = 60_000_000
TOLERANCE_MWH = 1000       # meterStart and meterStop are whole Wh
REFRESH_US = 60_000_000    # what a register may be late by
NOTHING_MWH = 10_000       # below it, and never charging: no start fee, no minimum
POWER_MAX_W = 3_750_000
DAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]


class Unsupported(Exception):
    """The tariff uses something that is not recomputed here."""


class Untrusted(Exception):
    """The session belongs into review; the argument is the reason's name."""


def micros(text):
    """An RFC 3339 time as microseconds since 1970."""
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (at - EPOCH) // timedelta(microseconds=1)


def _energy(value):
    return None if value is None else int(value)


# Evidence ----------------------------------------------------------------------------------------

def decide(session, readings):
    start, stop = micros(session["started_at"]), micros(session["stopped_at"])
    first, last = _energy(session["meter_start_mwh"]), _energy(session["meter_stop_mwh"])
    if stop < start:
        raise Untrusted("stop_before_start")
    if stop - start > 31 * 86_400_000_000:
        raise Untrusted("too_long")
    if first is None or last is None:
        raise Untrusted("meter_start_missing" if first is None else "meter_stop_missing")
    inside, begins, ends = [], [], []
    for reading in readings:
        value, at = _energy(reading.get("import_mwh")), micros(reading["at"])
        if value is None:
            continue
        if reading.get("context") == "Transaction.Begin":
            begins.append(value)
            inside.append((start, value))
        elif reading.get("context") == "Transaction.End":
            ends.append(value)
            inside.append((stop, value))
        elif start <= at <= stop:
            inside.append((at, value))
    inside.sort()
    if any(not 0 <= value <= 10**15 for value in [first, last] + [v for _, v in inside]):
        raise Untrusted("register_range")
    if (begins and abs(min(begins) - first) > TOLERANCE_MWH) \
            or (ends and abs(max(ends) - last) > TOLERANCE_MWH):
        raise Untrusted("series_disagrees")
    if begins and ends:
        first, last = min(begins), max(ends)
    if last < first:
        raise Untrusted("register_falls")
    points = [(start, first)]
    for at, value in inside:
        if value < points[-1][1] - TOLERANCE_MWH or value > last + TOLERANCE_MWH:
            raise Untrusted("register_falls")
        points.append((at, min(max(value, points[-1][1]), last)))
    points.append((stop, last))
    power = int(session.get("max_power_w") or 0)
    power = power if 0 < power < POWER_MAX_W else POWER_MAX_W

    def plausible(energy, time_us):
        return energy <= Fraction(power * time_us, 3_600_000) * Fraction(11, 10) + 500_000
    if not plausible(last - first, stop - start):
        raise Untrusted("implausible_energy")
    if not all(plausible(b[1] - a[1], b[0] - a[0] + REFRESH_US) for a, b in zip(points, points[1:])):
        raise Untrusted("register_jumps")
    return points


# Tariff ------------------------------------------------------------------------------------------

def _number(value):
    """A JSON number or string, exactly as written."""
    return Fraction(str(value))


def _minutes(text):
    return int(text[:2]) * 60 + int(text[3:])


KNOWN = {"start_time", "end_time", "start_date", "end_date", "day_of_week", "day_type"}


def _holds(restrictions, local, day_types):
    when = {name: value for name, value in (restrictions or {}).items() if value is not None}
    if set(when) - KNOWN:
        raise Unsupported(f"restriction {sorted(set(when) - KNOWN)[0]}")
    minute, date = local.hour * 60 + local.minute, local.date().isoformat()
    start = _minutes(when.get("start_time", "00:00"))
    end = _minutes(when.get("end_time", "00:00")) or 1440
    if not (start <= minute < end if start < end else minute >= start or minute < end):
        return False
    if date < when.get("start_date", date) or date >= when.get("end_date", "9999-99-99"):
        return False
    if "day_of_week" in when and DAYS[local.weekday()] not in when["day_of_week"]:
        return False
    return "day_type" not in when or day_types.get(date) in when["day_type"]


CODES = {"ENERGY": "ENERGY_ELEC", "FLAT": "START_FEE"}


def _components(tariff):
    """(element, component, document, restrictions, dimension, charge code) in order."""
    for e, element in enumerate(tariff["elements"]):
        if element.get("direction", "IMPORT") != "IMPORT":
            continue
        for c, component in enumerate(element["price_components"]):
            dimension = component["type"]
            if dimension not in CODES:
                raise Unsupported(dimension)
            if component.get("cap") is not None:
                raise Unsupported("cap")
            yield (e, c, component, element.get("restrictions"), dimension,
                   component.get("charge_code") or CODES[dimension])


def _active(components, local, day_types):
    """For each (dimension, charge code) the first component whose restrictions hold."""
    chosen = {}
    for entry in components:
        key = entry[4:6]
        if key not in chosen and _holds(entry[3], local, day_types):
            chosen[key] = entry
    return chosen


# Quantities --------------------------------------------------------------------------------------

def _marks(start, stop):
    """The session's start, every whole minute in it, and its end."""
    yield start
    at = (start // MINUTE_US + 1) * MINUTE_US
    while at < stop:
        yield at
        at += MINUTE_US
    yield stop


def _pieces(points):
    """(from, mWh) of every stretch within one minute and one sample interval. What has flowed
    within an interval is cut down to whole mWh, and the interval's last piece gets the rest."""
    for (t0, e0), (t1, e1) in zip(points, points[1:]):
        if t1 == t0:
            if e1 > e0:
                yield t0, e1 - e0
            continue
        flowed, previous = 0, t0
        for at in list(_marks(t0, t1))[1:]:
            until = (e1 - e0) * (at - t0) // (t1 - t0)
            yield previous, until - flowed
            flowed, previous = until, at


def _collect(points, components, zone, day_types):
    """Energy by component, FLATs that became active, and each code's last component."""
    used, order, last, flats, cache = {}, [], {}, {}, {}
    for at, mwh in _pieces(points):
        minute = at // MINUTE_US
        if minute not in cache:
            local = (EPOCH + timedelta(microseconds=at)).astimezone(zone)
            cache = {minute: _active(components, local, day_types)}
        for (dimension, code), entry in cache[minute].items():
            place = entry[:2]
            if dimension == "FLAT":
                if code not in flats:
                    flats[code] = entry
                    order.append(entry)
            elif mwh:
                if place not in used:
                    order.append(entry)
                used[place] = used.get(place, 0) + mwh
                last[code] = entry
    return used, order, last


def _factor(component):
    return _number(component.get("quantity_factor") or 1)


def _quantities(used, last, components):
    """kWh to be paid for by component: with its factor, and stepped up once per charge code."""
    paid = {entry[:2]: Fraction(used[entry[:2]], 10**6) * _factor(entry[2])
            for entry in components if entry[:2] in used}
    for code, entry in last.items():
        step = entry[2].get("step_size")
        step = Fraction(1 if step is None else step, 1000)
        total = sum(paid[e[:2]] for e in components if e[5] == code and e[:2] in paid)
        if step:
            paid[entry[:2]] += -(-total // step) * step - total
    return paid


# Money -------------------------------------------------------------------------------------------

def half_away(value):
    """The nearest integer, a half away from zero."""
    return int(abs(value) + Fraction(1, 2)) * (1 if value >= 0 else -1)


def _cut(value):
    """At six decimals, cut towards zero, in millionths."""
    return int(value * 10**6)


def _share(total, weights):
    """Largest remainder; the earlier of equal ones; the first if all weights are zero."""
    amount, whole = abs(total), sum(weights)
    if whole == 0:
        return [total] + [0] * (len(weights) - 1)
    shares = [int(amount * w / Fraction(whole)) for w in weights]
    rests = [amount * w / Fraction(whole) - s for w, s in zip(weights, shares)]
    ranked = sorted(range(len(weights)), key=lambda i: (-rests[i], i))
    for i in ranked[:amount - sum(shares)]:
        shares[i] += 1
    return [s if total >= 0 else -s for s in shares]


def _bounds(tariff):
    return {kind: {side: None if (tariff.get(kind) or {}).get(name) is None
                   else _number(tariff[kind][name])
                   for side, name in (("net", "excl_vat"), ("gross", "incl_vat"))}
            for kind in ("min_price", "max_price")}


def _limit(amount, bounds, side):
    low, high = bounds["min_price"][side], bounds["max_price"][side]
    if low is not None and amount < low:
        return low, "min_price"
    if high is not None and amount > high:
        return high, "max_price"
    return amount, None


def _limited(net, gross, bounds, vat):
    """The totals after the limits; each holds on its own, a missing one follows the other."""
    new_net, net_kind = _limit(net, bounds, "net")
    new_gross, gross_kind = _limit(gross, bounds, "gross")
    if net_kind and bounds[net_kind]["gross"] is None:
        follow = gross * new_net / net if net else new_net * (1 + vat)
        new_gross, gross_kind = _limit(Fraction(half_away(follow * 10**6), 10**6), bounds, "gross")
    elif gross_kind and bounds[gross_kind]["net"] is None:
        follow = net * new_gross / gross if gross else new_gross / (1 + vat)
        new_net, net_kind = _limit(Fraction(half_away(follow * 10**6), 10**6), bounds, "net")
    return new_net, new_gross, net_kind or gross_kind


def _minor_limit(minor, bounds, side, unit):
    low, high = bounds["min_price"][side], bounds["max_price"][side]
    if high is not None and minor > high * unit // 1:
        return int(high * unit // 1)
    if low is not None and minor < -(-low * unit // 1):
        return int(-(-low * unit // 1))
    return minor


def _vat(component):
    return int(_number(component.get("vat") or 0) * 10**4)


def _ever_charging(states, start, stop):
    """Without states, and before the first, the vehicle counts as charging."""
    current, since = "Charging", start
    for state in sorted(states or [], key=lambda s: micros(s["at"])):
        at = min(max(micros(state["at"]), start), stop)
        if current == "Charging" and at > since:
            return True
        current, since = state["state"], at
    return current == "Charging" and stop > since


def _round_groups(amounts, gross_list, unit):
    """(net, vat, gross) in minor units of every VAT rate: one rounding each."""
    groups = {}
    for vat, amount in amounts.items():
        rate = 1 + Fraction(vat, 10**6)
        if gross_list:
            gross = half_away(Fraction(_cut(amount), 10**6) * unit)
            net = half_away(gross / rate)
        else:
            gross = half_away(Fraction(_cut(amount * rate), 10**6) * unit)
            net = half_away(Fraction(_cut(amount), 10**6) * unit)
        groups[vat] = (net, gross - net, gross)
    return groups


def _apply_limits(groups, amounts, totals, new, bounds, options):
    """Moves the groups' minor units to the limited totals."""
    gross_list, unit = options
    rates = list(groups)
    nets = [amounts[v] / (1 + Fraction(v, 10**6)) if gross_list else amounts[v] for v in rates]
    vats = [net * Fraction(v, 10**6) for net, v in zip(nets, rates)]
    net = sum(g[0] for g in groups.values())
    gross = sum(g[2] for g in groups.values())
    vat = gross - net
    new_net = _minor_limit(half_away(new[0] * unit) if new[0] != totals[0] else net,
                           bounds, "net", unit)
    new_gross = _minor_limit(half_away(new[1] * unit) if new[1] != totals[1] else gross,
                             bounds, "gross", unit)
    if new_gross < new_net:  # a minimum was rounded up: no VAT is less than none
        new_gross = _minor_limit(new_net, bounds | {"min_price": {"gross": None}}, "gross", unit)
        new_net = min(new_net, new_gross)
    net_parts = [groups[v][0] for v in rates]
    vat_parts = [groups[v][1] for v in rates]
    if new_net != net:
        net_parts = _share(new_net, nets)
    if new_gross - new_net != vat:
        vat_parts = _share(new_gross - new_net, vats if sum(vats) else nets)
    return {v: (n, t, n + t) for v, n, t in zip(rates, net_parts, vat_parts)}


def _lines(order, paid, nothing):
    for entry in order:
        e, c, component, _, dimension, code = entry
        if dimension == "FLAT" and nothing:
            continue
        quantity = 1 if dimension == "FLAT" else paid[(e, c)]
        yield {"charge_code": code, "rate_label": component.get("rate_label"),
               "element": f"{e}.{c}", "mwh": None if dimension == "FLAT" else quantity * 10**6,
               "list": quantity * _number(component["price"]), "vat_ppm": _vat(component)}


def _amounts(lines, cells, plain, groups, limit):
    """What each (charge code, rate label) costs with VAT: the group's amount before any limit by its
    lines, and what a limit did to it by its charge codes, without a label."""
    amounts = {}
    for vat, group in groups.items():
        change = group[2] - plain.get(vat, 0) if limit else 0
        parts = [((line["charge_code"], line["rate_label"]), _cut(line["list"]))
                 for line in lines if line["vat_ppm"] == vat]
        limits = [((key[1], None), _cut(cells[key])) for key in cells if key[0] == vat]
        for total, places in ((group[2] - change, parts), (change, limits)):
            for (place, _), part in zip(places, _share(total, [weight for _, weight in places])):
                amounts[place] = amounts.get(place, 0) + part
    return {place: amount for place, amount in amounts.items() if amount}


def price(points, tariff, zone, exponent=2, states=None, calendar=None):
    components = list(_components(tariff))
    day_types = {day["date"]: day["day_type"] for day in calendar or []}
    used, order, last = _collect(points, components, ZoneInfo(zone), day_types)
    start, stop = points[0][0], points[-1][0]
    nothing = points[-1][1] - points[0][1] < NOTHING_MWH \
        and not _ever_charging(states, start, stop)
    lines = list(_lines(order, _quantities(used, last, components), nothing))
    gross_list, unit = tariff.get("tax_mode", "net") == "gross", 10**exponent
    bounds = _bounds(tariff)
    if nothing:
        bounds["min_price"] = {"net": None, "gross": None}
    amounts, cells = {}, {}
    for line in lines:
        key = (line["vat_ppm"], line["charge_code"])
        amounts[key[0]] = amounts.get(key[0], Fraction(0)) + line["list"]
        cells[key] = cells.get(key, Fraction(0)) + line["list"]
    groups = _round_groups(amounts, gross_list, unit)
    plain = {vat: group[2] for vat, group in groups.items()}
    both = [(a / (1 + Fraction(v, 10**6)), a) if gross_list else (a, a * (1 + Fraction(v, 10**6)))
            for v, a in amounts.items()]
    totals = tuple(Fraction(sum(_cut(b[0]) for b in both) if gross_list and i == 0
                            else _cut(sum(b[i] for b in both)), 10**6) for i in (0, 1))
    limit, new = None, totals
    if stop > start or points[-1][1] > points[0][1]:
        fallback = Fraction(_vat(components[0][2]), 10**6)
        new_net, new_gross, limit = _limited(*totals, bounds, fallback)
        new = (new_net, new_gross)
        if not amounts and limit:
            first = components[0]
            amounts[_vat(first[2])] = Fraction(0)
            cells[(_vat(first[2]), first[5])] = Fraction(0)
            groups[_vat(first[2])] = (0, 0, 0)
        if groups:
            groups = _apply_limits(groups, amounts, totals, new, bounds, (gross_list, unit))
    net_by_code = {}
    for vat, group in groups.items():
        keys = [key for key in cells if key[0] == vat]
        for key, part in zip(keys, _share(group[0], [_cut(cells[key]) for key in keys])):
            net_by_code[key[1]] = net_by_code.get(key[1], 0) + part
    return {"lines": lines, "net_by_code": net_by_code, "groups": groups, "limit": limit,
            "amounts": _amounts(lines, cells, plain, groups, limit),
            "net_minor": sum(g[0] for g in groups.values()),
            "vat_minor": sum(g[1] for g in groups.values()),
            "gross_minor": sum(g[2] for g in groups.values()), "net": new[0], "gross": new[1]}
