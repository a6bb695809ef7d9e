select
    'files' as source,
    intervention_id as source_intervention_id,
    coalesce(lower(id_system), 'files') as id_system,
    customer_id as source_customer_id,
    person_id as source_person_id,
    owner as source_owner_id,
    playbook,
    arm,
    assigned_by,
    {{ channel_word('channel') }} as channel,
    case when {{ is_later('completed_at') }} then null else lower(outcome) end as outcome,
    cost_currency,
    cost_amount,
    assigned_at,
    {{ known_time('started_at') }} as started_at,
    {{ known_time('completed_at') }} as completed_at,
    updated_at
from {{ known_rows(source('files', 'interventions'), key=['intervention_id'], dated_by='assigned_at') }}
