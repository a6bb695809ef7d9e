select
    'salesforce' as source,
    {{ salesforce_id('id') }} as source_person_id,
    {{ salesforce_id('account_id') }} as source_customer_id,
    {{ salesforce_id('master_record_id') }} as source_merged_into_person_id,
    first_name,
    last_name,
    email,
    phone,
    mobile_phone,
    mailing_street as address,
    mailing_city as city,
    mailing_postal_code as postal_code,
    mailing_country as country,
    title as job_title,
    {{ role_word('contact_role') }} as role,
    coalesce(is_deleted, false) as is_deleted,
    created_date as created_at,
    system_modstamp as updated_at
from {{ known_rows(source('salesforce', 'contacts'), key=['id'], dated_by='created_date') }}
-- One contact may come under its short id and under its long one.
qualify
    row_number() over (
        partition by source_person_id
        order by system_modstamp desc, _load_id desc, _row_number desc
    ) = 1
