/* The verb "inject". SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

int inject_run(int argc, char **argv);
