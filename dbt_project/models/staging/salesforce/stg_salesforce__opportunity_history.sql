select
    'salesforce' as source,
    {{ salesforce_id('id') }} as source_change_id,
    {{ salesforce_id('opportunity_id') }} as source_opportunity_id,
    stage_name as stage,
    amount,
    probability / 100 as win_rate,
    close_date,
    created_date as changed_at
from {{ known_rows(source('salesforce', 'opportunity_history'), key=['id'], dated_by='created_date') }}
