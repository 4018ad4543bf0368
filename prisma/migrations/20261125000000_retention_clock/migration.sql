-- The database's time that retention believed last: a replica that starts later knows from it whether the clock jumped.
CREATE TABLE `retention_clock` (
    `id` TINYINT UNSIGNED NOT NULL,
    `believed_at` DATETIME(3) NOT NULL,

    PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
