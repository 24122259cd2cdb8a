export const given = 'a test';
