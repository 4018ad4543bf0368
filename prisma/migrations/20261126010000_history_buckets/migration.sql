-- Hits in buckets of five seconds, which retention adds to the minutes after an hour. A server of the previous release goes on
-- to write minutes: the history reads both tables.
CREATE TABLE `server_bucket` (
    `start` DATETIME(0) NOT NULL,
    `server_id` INTEGER UNSIGNED NOT NULL,
    `hits` BIGINT UNSIGNED NOT NULL,

    PRIMARY KEY (`start`, `server_id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- What happened to a server and does not show in its row afterwards.
CREATE TABLE `server_event` (
    `at` DATETIME(3) NOT NULL,
    `server_id` INTEGER UNSIGNED NOT NULL,
    `type` VARCHAR(16) NOT NULL,
    `until_at` DATETIME(3) NULL,

    PRIMARY KEY (`at`, `server_id`, `type`)
) ENGINE=InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
