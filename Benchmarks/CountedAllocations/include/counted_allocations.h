// How many blocks the calling thread has taken from the allocator since it began.
unsigned long lapwing_allocation_count(void);
