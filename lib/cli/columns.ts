/** The columns of a stream; `otherwise` for what is no terminal, and for a terminal that was never told its size, which tells 0. */
export const columnsOf = ({ columns }: { readonly columns?: number }, otherwise = 80): number => columns || otherwise;
