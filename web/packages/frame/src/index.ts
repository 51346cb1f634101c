/**
 * What is around every page of somebody signed in: sign-in, header, account, notices, and the
 * pages that stand in place of others. Knows no page.
 */
export { AccountMenu } from './AccountMenu.tsx';
export { Header, SkipLink } from './Header.tsx';
export { LostBanner } from './LostBanner.tsx';
export { type Notice, NoticeList, type NoticeTone } from './NoticeList.tsx';
export { Page } from './Page.tsx';
export { LoadingPage, UnreachablePage } from './pages.tsx';
export { SignIn } from './SignIn.tsx';
export { ThemeMenu } from './ThemeMenu.tsx';
export { useWho, type Who } from './who.ts';
