export const theTruth = 'pure';
