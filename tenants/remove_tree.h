/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUN_TENANTS_REMOVE_TREE_H
#define QUN_TENANTS_REMOVE_TREE_H

/* Removes a folder with all that is in it; links are removed, never followed. 0, or -1 and errno. Blocking. Any thread. */
int qun_remove_tree(const char *path);

#endif
