"""Kits: their lines say what their components' lines amount to; they cost what the kit costs, and are never nested."""

from domain.store.invariants import Invariant

PARTS = """
    select kit.id, kit.quantity, kit.canceled, kit.shipped, kit.picked, kit.allocated, kit.backordered, kit.open,
           kit.delivered, max(ceil(part.canceled::numeric / per.kit)) as off,
           min(part.shipped / per.kit) as shipped_, min((part.shipped + part.picked) / per.kit) as picked_,
           min((part.shipped + part.picked + part.allocated) / per.kit) as allocated_,
           min((part.shipped + part.picked + part.allocated + part.backordered) / per.kit) as backordered_,
           min(part.delivered / per.kit) as delivered_
    from order_lines kit join order_lines part on part.kit_line_id = kit.id
    cross join lateral (select greatest(1, part.quantity / kit.quantity) as kit) per
    group by kit.id
"""

KIT_IS_AS_FAR_AS_ITS_PARTS = Invariant(
    "kit_is_as_far_as_its_parts",
    "As many of a kit's line are shipped, picked, allocated and delivered as of every component; one part canceled is one kit.",
    f"""
    select 'OrderLine', id, concat_ws(', ', off, shipped_, picked_, allocated_, backordered_, delivered_),
           concat_ws(', ', canceled, shipped, picked, allocated, backordered, delivered)
    from (
        select id, off, quantity, canceled, shipped, picked, allocated, backordered, delivered,
               least(quantity - off, shipped_) as shipped_, least(quantity - off, picked_) as picked_,
               least(quantity - off, allocated_) as allocated_, least(quantity - off, backordered_) as backordered_,
               delivered_
        from ({PARTS}) parts
    ) kit
    where (canceled, shipped, shipped + picked, shipped + picked + allocated,
           shipped + picked + allocated + backordered, delivered)
          <> (off, shipped_, picked_, allocated_, backordered_, least(shipped_, delivered_))
    """,
)

PARTS_FIT_THEIR_KIT = Invariant(
    "parts_fit_their_kit",
    "A component's line is of its kit's order, costs nothing, has a whole number of units for each kit and no parts itself, "
    "and as much of it came back or is awaited as of the kit.",
    """
    select 'OrderLine', part.id, concat(kit.order_id, ', ', kit.quantity, ' kits, ', kit.returned, ' returned, free'),
           concat(part.order_id, ', ', part.quantity, ' units, ', part.returned, ' returned, ', part.total_minor)
    from order_lines part join order_lines kit on kit.id = part.kit_line_id
    where part.order_id <> kit.order_id or part.quantity % kit.quantity <> 0 or part.total_minor <> 0
       or kit.kit_line_id is not null or part.returned * kit.quantity <> kit.returned * part.quantity
       or part.in_open_returns * kit.quantity <> kit.in_open_returns * part.quantity
    """,
)

KITS_ARE_NOT_NESTED = Invariant(
    "kits_are_not_nested",
    "No component of a kit is a kit.",
    """
    select 'Variant', outer_kit.kit_variant_id, 'components that are no kits', outer_kit.component_variant_id::text
    from kit_components outer_kit
    where exists (select from kit_components inner_kit where inner_kit.kit_variant_id = outer_kit.component_variant_id)
    """,
)

INVARIANTS = (KIT_IS_AS_FAR_AS_ITS_PARTS, PARTS_FIT_THEIR_KIT, KITS_ARE_NOT_NESTED)
