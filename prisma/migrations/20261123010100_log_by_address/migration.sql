-- A server's newest hit is one look into this index, however many lives it had. Hits go on while it is made.
ALTER TABLE `access_log`
    ADD INDEX `access_log_srv_id_id_idx`(`srv_id`, `id`),
    DROP INDEX `access_log_server_id_id_idx`;
