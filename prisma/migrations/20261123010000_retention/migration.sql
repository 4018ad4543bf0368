CREATE TABLE `log_checkpoint` (
    `last_id` BIGINT UNSIGNED NOT NULL,
    `found` INTEGER UNSIGNED NOT NULL,
    `counted_at` DATETIME(3) NOT NULL,

    INDEX `log_checkpoint_counted_at_last_id_idx`(`counted_at`, `last_id`),
    PRIMARY KEY (`last_id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE `log_purge` (
    `id` TINYINT UNSIGNED NOT NULL,
    `through_id` BIGINT UNSIGNED NOT NULL,

    PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
