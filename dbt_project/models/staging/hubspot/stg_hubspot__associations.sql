with associations as (

    select *
    from
        {{
            known_rows(
                source('hubspot', 'associations'),
                key=['from_object_type', 'from_object_id', 'to_object_type', 'to_object_id', 'association_label']
            )
        }}

),

both_directions as (

    select
        from_object_type as from_type,
        from_object_id as from_id,
        to_object_type as to_type,
        to_object_id as to_id,
        association_label as label
    from associations
    union
    select
        to_object_type as from_type,
        to_object_id as from_id,
        from_object_type as to_type,
        from_object_id as to_id,
        association_label as label
    from associations

)

select
    'hubspot' as source,
    from_type,
    from_id,
    to_type,
    to_id,
    label
from both_directions
