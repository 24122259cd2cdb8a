export const start = 'outermost';
