select
    'files' as source,
    coalesce(lower(id_system), 'files') as id_system,
    customer_id as source_customer_id,
    person_id as source_person_id,
    {{ role_word('role') }} as role,
    valid_from as valid_from_date,
    {{ known_time('valid_to') }} as valid_to_date
from
    {{
        known_rows(
            source('files', 'contact_roles'),
            key=['customer_id', 'person_id', 'role', 'valid_from'],
            dated_by='valid_from'
        )
    }}
