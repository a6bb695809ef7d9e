select
    'salesforce' as source,
    {{ salesforce_id('id') }} as source_owner_id,
    name as full_name,
    email,
    department as team,
    coalesce(is_active, true) as is_active,
    created_date as created_at,
    system_modstamp as updated_at
from {{ known_rows(source('salesforce', 'users'), key=['id'], dated_by='created_date') }}
