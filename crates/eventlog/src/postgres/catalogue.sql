-- Everything in the schema `strongroom` that decides what is stored and who may store it: an object and what it
-- is like, a line each. Raw values of the catalogue, where the words in which a version of Postgres says
-- them could differ. `changed` compares it with `schemas/postgres/eventlog/catalogue.txt`.
WITH space AS (SELECT oid, nspowner, nspacl FROM pg_catalog.pg_namespace WHERE nspname = 'strongroom'),
relation AS (
    SELECT c.* FROM pg_catalog.pg_class c JOIN space ON c.relnamespace = space.oid WHERE c.relkind NOT IN ('i', 'I', 'c', 't')
),
held AS (
    SELECT 'schema strongroom' AS object, nspowner AS owner, coalesce(nspacl, acldefault('n', nspowner)) AS acl FROM space
    UNION ALL
    SELECT 'table ' || relname, relowner, coalesce(relacl, acldefault('r', relowner)) FROM relation
    UNION ALL
    SELECT 'column ' || relname || '.' || attname, relowner, attacl
    FROM relation JOIN pg_catalog.pg_attribute ON attrelid = relation.oid WHERE attacl IS NOT NULL
    UNION ALL
    SELECT 'function ' || proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', proowner,
        coalesce(proacl, acldefault('f', proowner))
    FROM pg_catalog.pg_proc p JOIN space ON p.pronamespace = space.oid
)
SELECT object, 'owned by another role than the schema: ' || owner::regrole AS property
FROM held CROSS JOIN space WHERE owner <> space.nspowner
UNION ALL
SELECT object, 'grant ' || privilege_type || ' to ' || CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END
    || CASE WHEN is_grantable THEN ' with grant option' ELSE '' END
FROM held CROSS JOIN LATERAL aclexplode(acl) WHERE grantee <> owner
UNION ALL
SELECT 'table ' || relname, concat_ws(' ', 'kind', relkind, 'persistence', relpersistence,
    'row security', relrowsecurity, relforcerowsecurity, 'rules', relhasrules)
FROM relation
UNION ALL
SELECT 'column ' || relname || '.' || attname, concat_ws(' ', format_type(atttypid, atttypmod), 'not null', attnotnull,
    'collation', (SELECT collname FROM pg_catalog.pg_collation o WHERE o.oid = attcollation),
    'generated', attgenerated, attidentity)
FROM relation JOIN pg_catalog.pg_attribute ON attrelid = relation.oid WHERE attnum > 0 AND NOT attisdropped
UNION ALL
SELECT 'constraint ' || conname, concat_ws(' ', contype, 'valid', convalidated, CASE contype WHEN 'c' THEN pg_get_constraintdef(o.oid) END)
FROM pg_catalog.pg_constraint o JOIN relation ON conrelid = relation.oid WHERE contype <> 'n'
UNION ALL
SELECT 'index ' || i.relname, concat_ws(' ', 'on', relation.relname, 'unique', indisunique, 'valid', indisvalid, 'columns', indkey,
    'partial', indpred IS NOT NULL, 'expressions', indexprs IS NOT NULL)
FROM pg_catalog.pg_index x JOIN relation ON x.indrelid = relation.oid JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
UNION ALL
SELECT 'rule ' || rulename, 'on ' || relname
FROM pg_catalog.pg_rewrite JOIN relation ON ev_class = relation.oid
UNION ALL
SELECT 'policy ' || polname, 'on ' || relname FROM pg_catalog.pg_policy JOIN relation ON polrelid = relation.oid
UNION ALL
SELECT 'table ' || relname, 'has parts or heirs: ' || inhrelid::regclass
FROM pg_catalog.pg_inherits JOIN relation ON inhparent = relation.oid
UNION ALL
SELECT 'trigger ' || tgname, concat_ws(' ', 'on', relname, 'enabled', tgenabled, 'type', tgtype,
    'calls', (SELECT pronamespace::regnamespace || '.' || proname FROM pg_catalog.pg_proc p WHERE p.oid = tgfoid),
    encode(tgargs, 'escape'), tgnewtable, tgoldtable, 'columns', tgattr, 'deferrable', tgdeferrable,
    'when', regexp_replace(split_part(split_part(pg_get_triggerdef(t.oid), ' WHEN ', 2), ' EXECUTE ', 1), '[() ]', '', 'g'))
FROM pg_catalog.pg_trigger t JOIN relation ON tgrelid = relation.oid WHERE NOT tgisinternal
UNION ALL
SELECT 'function ' || proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', concat_ws(' ',
    (SELECT lanname FROM pg_catalog.pg_language l WHERE l.oid = prolang), 'kind', prokind, 'definer', prosecdef,
    'volatility', provolatile, 'strict', proisstrict, 'returns', format_type(prorettype, NULL), proretset,
    'settings', array_to_string(proconfig, '; '), 'body', encode(sha256(convert_to(prosrc, 'UTF8')), 'hex'))
FROM pg_catalog.pg_proc p JOIN space ON p.pronamespace = space.oid
UNION ALL
SELECT 'operator ' || oprname, 'in the schema strongroom' FROM pg_catalog.pg_operator JOIN space ON oprnamespace = space.oid
UNION ALL
SELECT 'type ' || typname, 'in the schema strongroom' FROM pg_catalog.pg_type t JOIN space ON typnamespace = space.oid
WHERE typtype <> 'c' AND typcategory <> 'A'
UNION ALL
SELECT 'setting session_replication_role', coalesce('of the role ' || nullif(setrole, 0)::regrole, 'of the database')
FROM pg_catalog.pg_db_role_setting
WHERE (setdatabase = 0 OR setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
    AND EXISTS (SELECT 1 FROM unnest(setconfig) AS one WHERE one LIKE 'session_replication_role=%')
UNION ALL
SELECT 'setting session_replication_role', setting FROM pg_catalog.pg_settings
WHERE name = 'session_replication_role' AND setting <> 'origin'
ORDER BY 1, 2
