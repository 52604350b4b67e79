#ifndef KIT_ORDER_H
#define KIT_ORDER_H

/* Negative when left comes first, positive when right does, zero when neither. */
typedef int kit_order(const void *left, const void *right);

#endif
