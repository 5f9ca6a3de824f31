// How many blocks the calling thread has taken from the allocator since it began.
unsigned long lapwing_allocation_count(void);
// How many of them were of 512 bytes and more: buffers rather than the boxes that code without optimisation makes.
unsigned long lapwing_buffer_allocation_count(void);
