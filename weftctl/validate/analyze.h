/* The verb "analyze". SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

int analyze_run(int argc, char **argv);
