-- What the roles may do: applied after every migration, by the owner. The roles are for
-- groups; whoever logs in is made a member of one.

GRANT USAGE ON SCHEMA strongroom TO strongroom_writer, strongroom_auditor;
GRANT SELECT ON ALL TABLES IN SCHEMA strongroom TO strongroom_writer, strongroom_auditor;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA strongroom FROM PUBLIC;
GRANT EXECUTE ON FUNCTION strongroom.begin_log, strongroom.take_turn, strongroom.end_turn, strongroom.append,
    strongroom.put_streams, strongroom.clear_streams, strongroom.give_sign TO strongroom_writer;
