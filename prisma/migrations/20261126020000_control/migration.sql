-- What a person wants a server to do besides draining: to restart, or to be killed; when they said so, and when the server
-- acknowledged it. A server of the previous release never acknowledges. Each use of control is an event with the address.
ALTER TABLE `server`
    ADD COLUMN `end_wanted` VARCHAR(7) NULL AFTER `drain_wanted`,
    ADD COLUMN `end_wanted_at` DATETIME(3) NULL AFTER `end_wanted`,
    ADD COLUMN `end_taken_at` DATETIME(3) NULL AFTER `end_wanted_at`;

ALTER TABLE `server_event` ADD COLUMN `client_ip` VARCHAR(45) NULL AFTER `until_at`;
