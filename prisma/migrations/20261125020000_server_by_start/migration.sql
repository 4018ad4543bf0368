-- What a server was called when a visitor moved from its address is one look into this index, however often a server started
-- there later. A replica of the release before goes on with the index that it had.
ALTER TABLE `server`
    ADD INDEX `server_srv_id_started_at_idx`(`srv_id`, `started_at`);
