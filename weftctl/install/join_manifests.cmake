# Joins YAML files into one text of several documents: cmake -DOUT=… -DFILES=a;b -P this.
# SPDX-License-Identifier: GPL-3.0-or-later
set(text "")
foreach(file IN LISTS FILES)
    file(READ ${file} one)
    string(APPEND text "---\n" "${one}")
endforeach()
file(WRITE ${OUT} "${text}")
